CREATE TABLE IF NOT EXISTS threads (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT, metadata TEXT NOT NULL DEFAULT '{}', active_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS steps (
    id TEXT PRIMARY KEY, thread TEXT NOT NULL, created_at TEXT NOT NULL, content TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS elements (id TEXT PRIMARY KEY, thread TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS threads_of_owner ON threads (owner, active_at);
CREATE INDEX IF NOT EXISTS steps_of_thread ON steps (thread, created_at);
CREATE INDEX IF NOT EXISTS elements_of_thread ON elements (thread);
