-- Pages: else SQLite's log is larger than all the rest.
PRAGMA wal_autocheckpoint = 200;

-- Of each thread, only the newest checkpoint is kept, with the writes that have come since.
CREATE TEMP TRIGGER older_deleted AFTER INSERT ON checkpoints BEGIN
    DELETE FROM writes
    WHERE thread_id = new.thread_id AND checkpoint_ns = new.checkpoint_ns AND checkpoint_id < new.checkpoint_id;
    DELETE FROM checkpoints
    WHERE thread_id = new.thread_id AND checkpoint_ns = new.checkpoint_ns AND checkpoint_id < new.checkpoint_id;
END;

-- Earlier versions have kept all of them.
DELETE FROM writes WHERE checkpoint_id < (
    SELECT max(checkpoint_id) FROM checkpoints AS kept
    WHERE kept.thread_id = writes.thread_id AND kept.checkpoint_ns = writes.checkpoint_ns
);
DELETE FROM checkpoints WHERE checkpoint_id < (
    SELECT max(checkpoint_id) FROM checkpoints AS kept
    WHERE kept.thread_id = checkpoints.thread_id AND kept.checkpoint_ns = checkpoints.checkpoint_ns
);
