PRAGMA journal_mode = WAL;

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

-- A thread as Chainlit reads it; the list of threads is sorted and grouped by createdAt.
CREATE TEMP VIEW shown_threads AS SELECT id, owner, name, active_at, json_object(
    'id', id, 'createdAt', active_at, 'name', name, 'userId', owner, 'userIdentifier', owner, 'tags', NULL,
    'metadata', json(metadata), 'steps', json_array(), 'elements', json_array()
) AS content FROM threads;

-- Elements are deleted with their step, and everything with its thread.
CREATE TEMP TRIGGER step_deleted AFTER DELETE ON steps BEGIN
    DELETE FROM elements WHERE thread = old.thread AND json_extract(content, '$.forId') = old.id;
END;
CREATE TEMP TRIGGER thread_deleted AFTER DELETE ON threads BEGIN
    DELETE FROM steps WHERE thread = old.id;
    DELETE FROM elements WHERE thread = old.id;
END;
