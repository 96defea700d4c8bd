/** The server's clock in UTC milliseconds. In a procedure it moves on with each statement: one after a wait shows the time after it. */
export const CLOCK = `(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)`
/** Whether a plain statement is a transaction of its own on this connection: nothing else has it begun or left open. */
export const ALONE = `(@@autocommit AND @@completion_type = 'NO_CHAIN')`

// In full, because `completion_type` can make of a plain COMMIT one that begins another transaction, or that hangs up.
/** Commits what is open, and nothing else. */
export const COMMIT = `COMMIT AND NO CHAIN NO RELEASE`
/** Undoes what is open, and nothing else. */
export const ROLLBACK = `ROLLBACK AND NO CHAIN NO RELEASE`
/** What every procedure opens with: whatever fails leaves nothing behind. */
export const UNDO: string = `DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ${ROLLBACK}; RESIGNAL; END;`
/** Begins a transaction that locks no more than the rows it names. */
export const START_READ_COMMITTED = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;`
