import { UPDATE_MANY } from './together.ts'
import { CLOCK, COMMIT, ROLLBACK, START_READ_COMMITTED, UNDO } from './transaction.ts'

/** How long the records whose expiries share a bucket, milliseconds. */
export const BUCKET_MS = 300_000

// All of them. `sql_safe_updates` forbids a change without a condition, and one that names neither a key nor a limit.
const MANY = '9223372036854775807'
// One transaction at a time may add a record to a subject, or end all of the subject's.
const LOCK_SUBJECT = `${START_READ_COMMITTED}
    SELECT slot INTO v_slot FROM {locks} WHERE slot = 1 + ORD(p_subject_hash) FOR UPDATE;
    IF v_slot IS NULL THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a row of locks is missing'; END IF;`
const AUTHORISED = `(v_hash = p_hash OR (v_previous = p_hash AND (v_until IS NULL OR v_until > v_now)))`
// The subject's live records but for p_id and the newest v_stay of the others. So many of the oldest would be too many, if
// one that was counted has left since.
const EVICT = `OPEN victims;
      FETCH victims INTO v_victim;
      WHILE v_victim IS NOT NULL DO
        DELETE FROM {table} WHERE id = v_victim AND subject_hash = p_subject_hash;
        SET v_victim = NULL;
        FETCH victims INTO v_victim;
      END WHILE;
      CLOSE victims;`
// How many live records the subject has but for p_id, and the time at which. One that seems to have ended may have been
// kept alive by a change that is not committed yet, so it is waited for.
const COUNT = `REPEAT
      SET v_now = ${CLOCK};
      OPEN ended;
      SET v_ended = NULL;
      FETCH ended INTO v_ended;
      WHILE v_ended IS NOT NULL DO
        SELECT expires_at INTO v_ending FROM {table} WHERE id = v_ended LOCK IN SHARE MODE;
        SET v_ended = NULL;
        FETCH ended INTO v_ended;
      END WHILE;
      CLOSE ended;
      SELECT COUNT(*), COUNT(IF(expires_at <= ${CLOCK}, 1, NULL)) INTO v_live, v_ending FROM {table}
        WHERE subject_hash = p_subject_hash AND expires_at > v_now AND id <> p_id;
    UNTIL v_ending = 0 END REPEAT;`
const ENDED = `DECLARE ended CURSOR FOR SELECT id FROM {table}
    WHERE subject_hash = p_subject_hash AND expires_at <= v_now AND id <> p_id ORDER BY id;`
const VICTIMS = `DECLARE victims CURSOR FOR SELECT id FROM {table}
    WHERE subject_hash = p_subject_hash AND expires_at > v_now AND id <> p_id
    ORDER BY created_at DESC, id DESC LIMIT ${MANY} OFFSET v_stay;
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;`

/**
 * The parameters and the body of each procedure. A body is one transaction: it takes its locks, and then reads the
 * clock. Its answer is one row of one column, sent after the commit.
 */
export const PROCEDURES: Readonly<Record<string, readonly [parameters: string, body: string]>> = {
  create: [
    `p_id VARBINARY(64), p_hash VARBINARY(64), p_value LONGBLOB, p_idle BIGINT, p_absolute BIGINT,
  p_subject LONGBLOB, p_subject_hash VARBINARY(32), p_authenticated BIGINT, p_labels LONGBLOB, p_extra LONGBLOB,
  p_max BIGINT, p_evict BIGINT`,
    `DECLARE v_slot, v_now, v_expires, v_live, v_ending, v_stay BIGINT;
  DECLARE v_victim, v_ended, v_answer VARBINARY(64);
  ${ENDED}
  ${VICTIMS}
  DECLARE EXIT HANDLER FOR 1062 BEGIN ${ROLLBACK}; SELECT CAST('exists' AS BINARY) AS answer; END;
  ${UNDO}
  IF p_subject_hash IS NULL THEN START TRANSACTION;
  ELSE
    ${LOCK_SUBJECT}
  END IF;
  SET v_now = ${CLOCK};
  IF p_max IS NOT NULL THEN
    ${COUNT}
  END IF;
  SET v_expires = v_now + LEAST(p_idle, p_absolute);
  IF v_live >= p_max AND NOT p_evict THEN
    SET v_answer = IF(EXISTS (SELECT id FROM {table} WHERE id = p_id), 'exists', 'limit');
  ELSE
    INSERT INTO {table} (id, version, idle_ms, created_at, expires_at, deadline_at, security_version,
      secret_hash, authenticated_at, subject_hash, subject, labels, extra, value)
    VALUES (p_id, 1, p_idle, v_now, v_expires, v_now + p_absolute, 1,
      p_hash, IF(p_authenticated, v_now, NULL), p_subject_hash, p_subject, p_labels, p_extra, p_value);
    IF v_live >= p_max THEN
      SET v_stay = GREATEST(p_max - 1, 0);
      ${EVICT}
    END IF;
    SET v_answer = CONCAT_WS(',', v_now, v_expires);
  END IF;
  ${COMMIT};
  SELECT v_answer AS answer;`,
  ],
  update: [
    `p_id VARBINARY(64), p_hash VARBINARY(64), p_set BIGINT, p_value LONGBLOB, p_idle BIGINT, p_version BIGINT`,
    `DECLARE v_now, v_version, v_idle, v_expires, v_deadline, v_until BIGINT;
  DECLARE v_hash, v_previous, v_answer VARBINARY(64);
  ${UNDO}
  START TRANSACTION;
  SELECT version, idle_ms, expires_at, deadline_at, secret_hash, previous_hash, previous_until
    INTO v_version, v_idle, v_expires, v_deadline, v_hash, v_previous, v_until
    FROM {table} WHERE id = p_id FOR UPDATE;
  SET v_now = ${CLOCK};
  IF v_expires > v_now AND ${AUTHORISED} THEN
    IF p_version <> v_version THEN
      SET v_answer = 'conflict';
    ELSE
      SET v_version = v_version + p_set;
      SET v_idle = COALESCE(p_idle, v_idle);
      SET v_expires = LEAST(v_now + v_idle, v_deadline);
      IF p_set THEN
        UPDATE {table} SET version = v_version, idle_ms = v_idle, expires_at = v_expires, value = p_value WHERE id = p_id;
      ELSE
        UPDATE {table} SET idle_ms = v_idle, expires_at = v_expires WHERE id = p_id;
      END IF;
      SET v_answer = CONCAT_WS(',', v_version, v_expires, v_now);
    END IF;
  ELSE
    SET v_answer = 'gone';
  END IF;
  ${COMMIT};
  SELECT v_answer AS answer;`,
  ],
  update_many: UPDATE_MANY,
  secure: [
    `p_id VARBINARY(64), p_security_version BIGINT, p_hash VARBINARY(64),
  p_set_previous BIGINT, p_previous VARBINARY(64), p_grace BIGINT, p_absolute BIGINT,
  p_set_subject BIGINT, p_subject LONGBLOB, p_subject_hash VARBINARY(32),
  p_set_labels BIGINT, p_labels LONGBLOB, p_set_extra BIGINT, p_extra LONGBLOB, p_max BIGINT, p_evict BIGINT`,
    `DECLARE v_slot, v_now, v_version, v_idle, v_expires, v_deadline, v_authenticated, v_until, v_live, v_ending, v_stay BIGINT;
  DECLARE v_subject_hash VARBINARY(32);
  DECLARE v_victim, v_ended, v_answer VARBINARY(64);
  ${ENDED}
  ${VICTIMS}
  ${UNDO}
  IF p_subject_hash IS NULL THEN START TRANSACTION;
  ELSE
    ${LOCK_SUBJECT}
  END IF;
  SELECT security_version, idle_ms, expires_at, deadline_at, authenticated_at, subject_hash
    INTO v_version, v_idle, v_expires, v_deadline, v_authenticated, v_subject_hash
    FROM {table} WHERE id = p_id FOR UPDATE;
  SET v_now = ${CLOCK};
  IF p_max IS NOT NULL THEN
    ${COUNT}
  END IF;
  IF v_expires IS NULL OR v_expires <= v_now THEN
    SET v_answer = 'gone';
  ELSEIF v_version <> p_security_version THEN
    SET v_answer = 'conflict';
  ELSEIF v_live >= p_max AND NOT p_evict AND NOT (v_subject_hash <=> p_subject_hash) THEN
    SET v_answer = 'limit';
  ELSE
    IF v_live >= p_max AND p_evict THEN
      SET v_stay = GREATEST(p_max - 1, 0);
      ${EVICT}
      SET v_now = ${CLOCK};
    END IF;
    IF v_expires <= v_now THEN
      -- In the wait for those others.
      ${ROLLBACK};
      SET v_answer = 'gone';
    ELSE
      IF p_absolute IS NOT NULL THEN
        SET v_authenticated = v_now;
        SET v_deadline = v_now + p_absolute;
        SET v_expires = LEAST(v_now + v_idle, v_deadline);
      END IF;
      IF p_previous IS NOT NULL AND p_grace IS NOT NULL THEN
        SET v_until = IF(p_grace > 0, v_now + p_grace, 0);
      END IF;
      UPDATE {table} SET
        security_version = v_version + 1,
        secret_hash = COALESCE(p_hash, secret_hash),
        previous_hash = IF(p_set_previous, p_previous, previous_hash),
        previous_until = IF(p_set_previous, v_until, previous_until),
        subject = IF(p_set_subject, p_subject, subject),
        subject_hash = IF(p_set_subject, p_subject_hash, subject_hash),
        labels = IF(p_set_labels, p_labels, labels),
        extra = IF(p_set_extra, p_extra, extra),
        authenticated_at = v_authenticated, deadline_at = v_deadline, expires_at = v_expires
        WHERE id = p_id;
      SET v_answer = CONCAT_WS(',', v_version + 1, v_expires, v_now, v_authenticated);
    END IF;
  END IF;
  ${COMMIT};
  SELECT v_answer AS answer;`,
  ],
  remove: [
    `p_id VARBINARY(64), p_hash VARBINARY(64)`,
    `DECLARE v_expires, v_ours BIGINT;
  DECLARE v_answer VARBINARY(64) DEFAULT '0';
  ${UNDO}
  START TRANSACTION;
  SELECT expires_at, p_hash IS NULL OR secret_hash = p_hash OR previous_hash <=> p_hash INTO v_expires, v_ours
    FROM {table} WHERE id = p_id FOR UPDATE;
  IF v_ours THEN
    IF v_expires > ${CLOCK} THEN SET v_answer = '1'; END IF;
    DELETE FROM {table} WHERE id = p_id;
  END IF;
  ${COMMIT};
  SELECT v_answer AS answer;`,
  ],
  remove_subject: [
    `p_subject_hash VARBINARY(32), p_except VARBINARY(64)`,
    `DECLARE v_slot, v_expires BIGINT;
  DECLARE v_live BIGINT DEFAULT 0;
  DECLARE v_id VARBINARY(64);
  DECLARE own CURSOR FOR SELECT id FROM {table}
    WHERE subject_hash = p_subject_hash AND NOT (id <=> p_except) ORDER BY id;
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
  ${UNDO}
    ${LOCK_SUBJECT}
  OPEN own;
  FETCH own INTO v_id;
  WHILE v_id IS NOT NULL DO
    SET v_expires = NULL;
    SELECT expires_at INTO v_expires FROM {table} WHERE id = v_id AND subject_hash = p_subject_hash FOR UPDATE;
    IF v_expires IS NOT NULL THEN
      IF v_expires > ${CLOCK} THEN SET v_live = v_live + 1; END IF;
      DELETE FROM {table} WHERE id = v_id;
    END IF;
    SET v_id = NULL;
    FETCH own INTO v_id;
  END WHILE;
  CLOSE own;
  ${COMMIT};
  SELECT CAST(v_live AS BINARY) AS answer;`,
  ],
  remove_all: [
    ``,
    `DECLARE v_live BIGINT;
  ${UNDO}
  SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
  START TRANSACTION;
  DELETE FROM {table} WHERE expires_at <= ${CLOCK} LIMIT ${MANY};
  DELETE FROM {table} WHERE version > 0 LIMIT ${MANY};
  SET v_live = ROW_COUNT();
  ${COMMIT};
  SELECT CAST(v_live AS BINARY) AS answer;`,
  ],
  sweep: [
    `p_limit BIGINT, p_owner VARBINARY(64), p_lease BIGINT`,
    `DECLARE v_now, v_until, v_bucket BIGINT;
  DECLARE v_removed BIGINT DEFAULT 0;
  DECLARE v_ours BIGINT DEFAULT 1;
  DECLARE v_safe BIGINT DEFAULT @@sql_safe_updates;
  DECLARE v_owner VARBINARY(64);
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ${ROLLBACK}; SET SESSION sql_safe_updates = v_safe; RESIGNAL; END;
  IF p_owner IS NOT NULL THEN
    START TRANSACTION;
    SELECT owner, owned_until INTO v_owner, v_until FROM {locks} WHERE slot = 0 FOR UPDATE;
    SET v_now = ${CLOCK};
    SET v_ours = v_owner <=> p_owner OR v_until IS NULL OR v_until <= v_now;
    IF v_ours THEN
      UPDATE {locks} SET owner = p_owner, owned_until = v_now + p_lease WHERE slot = 0;
    END IF;
    ${COMMIT};
  END IF;
  IF v_ours THEN
    SET v_bucket = ${CLOCK} DIV ${BUCKET_MS};
    ${START_READ_COMMITTED}
    -- Within, whatever is to be deleted is locked, and nothing waited for. "Safe" updates take a join for one without a key.
    SET SESSION sql_safe_updates = 0;
    DELETE {table} FROM (
      SELECT id FROM {table} WHERE expiry_bucket < v_bucket ORDER BY expiry_bucket LIMIT p_limit FOR UPDATE SKIP LOCKED
    ) AS expired STRAIGHT_JOIN {table} ON {table}.id = expired.id;
    SET v_removed = ROW_COUNT();
    SET SESSION sql_safe_updates = v_safe;
    ${COMMIT};
  END IF;
  SELECT CAST(v_removed AS BINARY) AS answer;`,
  ],
}
