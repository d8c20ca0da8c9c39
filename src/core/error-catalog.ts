/**
 * Every error code of handcar with its meaning and its general cure. `docs/reference/errors.md` is generated from this
 * table, and a test fails on a code that nothing throws or that nothing documents.
 */
export const errorCatalog = {
  HANDCAR_OPTION_UNKNOWN: {
    title: 'An option has a name that is not known',
    fix: 'Use the suggested name, or remove the option.',
  },
  HANDCAR_OPTION_INVALID: {
    title: 'An option or argument has a value of the wrong kind',
    fix: 'Pass a value of the kind that the message names.',
  },
  HANDCAR_NOT_STARTED: {
    title: 'A part was used before start() or after stop()',
    fix: 'Await start() before the first use, and stop using the part before stop().',
  },
  HANDCAR_STOPPED: {
    title: 'Work was still waiting when its part stopped',
    fix: 'Give stop() a longer timeout, or hand the work to the part again after it has started.',
  },
  HANDCAR_COORDINATOR_EXISTS: {
    title: 'A second coordinator was started for one database',
    fix: 'Run one coordinator for each database: stop the other one, or do not start this one.',
  },
  HANDCAR_PARAMETER: {
    title: 'A value cannot be bound to an SQL statement',
    fix: 'Bind null, a string, a finite number, a 64-bit bigint, a boolean or bytes.',
  },
  HANDCAR_STATEMENT_WRITES: {
    title: 'A statement that writes was given to a method that reads',
    fix: 'Run it inside database.write(), or with database.run().',
  },
  HANDCAR_STATEMENT_CONTROL: {
    title: 'A statement tried to begin or end a transaction, or to change the connection',
    fix: 'Let write(), read() and savepoint() begin and end transactions; set pragmas in the options of Database.',
  },
  HANDCAR_TRANSACTION_PENDING: {
    title: 'A transaction body waited for something that is not the database',
    fix: 'Do the waiting (network, timers, files, hashing) before or after the transaction, and only database work inside it.',
  },
  HANDCAR_TRANSACTION_CLOSED: {
    title: 'A transaction was used after it had ended',
    fix: 'Await everything that uses the transaction before its body returns.',
  },
  HANDCAR_TRANSACTION_NESTED: {
    title: 'A transaction was used while a savepoint inside it was open',
    fix: 'Await the savepoint, or use the transaction that its body received.',
  },
  HANDCAR_TRANSACTION_ROLLED_BACK: {
    title: 'A transaction was rolled back together with others of its batch',
    fix: 'Write again: nothing of it was kept. The cause says what ended the batch.',
  },
  HANDCAR_DATABASE_BUSY: {
    title: 'A write waited longer than its deadline for the write lock',
    fix: 'Shorten the transactions of the process that holds the lock, or raise writeTimeout.',
  },
  HANDCAR_WRITE_QUEUE_FULL: {
    title: 'More writes were waiting than maxQueuedWrites allows',
    fix: 'Slow down the producer: await writes, or answer 503 until the queue is shorter.',
  },
  HANDCAR_QUERY_TIMEOUT: {
    title: 'A query in a reader process ran longer than its time limit',
    fix: 'Add an index, narrow the query, or pass a longer timeout.',
  },
  HANDCAR_QUERY_CRASHED: {
    title: 'The reader process of a query ended unexpectedly',
    fix: 'Look for the out-of-memory killer in the system log; narrow the query or iterate() over it.',
  },
  HANDCAR_DATABASE_PATH: {
    title: 'The path of a database cannot be used',
    fix: 'Give the path of a file in a folder that exists and that this user may write.',
  },
  HANDCAR_DATABASE_NETWORK: {
    title: 'The database lies on a network file system',
    fix: 'Move the database to a local disk: WAL needs shared memory and locks of one machine.',
  },
  HANDCAR_DATABASE_READ_ONLY: {
    title: 'The database file or its folder cannot be written',
    fix: 'Give the user of this process write access to the file and to its folder.',
  },
  HANDCAR_DISK_FULL: {
    title: 'The database cannot be opened because the disk is full',
    fix: 'Free some space: opening needs room for the WAL and its index.',
  },
  HANDCAR_DATABASE_CORRUPT: {
    title: 'The file is not a database, is encrypted, or is damaged',
    fix: 'Check the path; restore the latest backup, or recover what can be read with `sqlite3 file .recover`.',
  },
  HANDCAR_DATABASE_REPLACED: {
    title: 'The database or its WAL was deleted or replaced while it was open',
    fix: 'Stop what deletes or moves the files; then start the database again, restoring a backup if the file is gone.',
  },
  HANDCAR_DATABASE_PRAGMA: {
    title: 'A pragma is unknown or did not take the value that was asked for',
    fix: 'Correct the name or the value in the option `pragmas`.',
  },
  HANDCAR_SQLITE_VERSION: {
    title: 'The SQLite library is older than 3.51.3, which can corrupt a WAL database',
    fix: 'Install better-sqlite3 13 or newer.',
  },
  HANDCAR_SYNC_FAILED: {
    title: 'The disk reported that a write did not reach it',
    fix: 'Check the disk and the system log; then restart the process. Nothing unacknowledged counts as written.',
  },
  HANDCAR_EXTENSION_MISSING: {
    title: 'An SQLite extension could not be loaded',
    fix: 'Install the package or correct the path, or mark the extension `optional: true`.',
  },
  HANDCAR_MIGRATION_FAILED: {
    title: 'A migration failed and was rolled back',
    fix: 'Correct the SQL that the cause names and start again.',
  },
  HANDCAR_MIGRATION_CHANGED: {
    title: 'A migration was edited after it had been applied',
    fix: 'Restore the file as it was applied, and put the change into a new migration.',
  },
  HANDCAR_MIGRATION_NEWER: {
    title: 'The database has migrations that this code does not know',
    fix: 'Deploy the code that brought them. If they only add things, older code may run on them: set HANDCAR_NEWER_SCHEMA=accept.',
  },
  HANDCAR_MIGRATION_NAME: {
    title: 'A migration has a name or content that cannot be used',
    fix: 'Name it <timestamp>_<name>.sql, for example 20261120093000_create_posts.sql.',
  },
  HANDCAR_MIGRATION_FOREIGN_KEYS: {
    title: 'A migration would leave rows that point at nothing',
    fix: 'Delete or repoint those rows in the same migration.',
  },
  HANDCAR_USAGE: {
    title: 'A command line cannot be understood',
    fix: 'Run `handcar <command> --help` to see what the command takes.',
  },
  HANDCAR_READ_ONLY: {
    title: 'A write was asked of a database that was opened read-only',
    fix: 'Open it without `readOnly`; `handcar console` without --read-only, `handcar db` with --write.',
  },
  HANDCAR_CONFIG_MISSING: {
    title: 'A folder has neither a configuration nor an app',
    fix: 'Run handcar in the folder of an app, name it with --folder, or create handcar.config.ts or src/app.ts.',
  },
  HANDCAR_CONFIG_FAILED: {
    title: 'The configuration of an app could not be loaded',
    fix: 'Correct the file that the message names; the cause says what is wrong.',
  },
  HANDCAR_APP_INVALID: {
    title: 'The module of an app does not export an app',
    fix: 'Export by default an object with fetch(request), such as a Hono app, or a function (handcar) => app.',
  },
  HANDCAR_PREPARE_FAILED: {
    title: 'A release could not be prepared',
    fix: 'Correct what the cause names and try again; the release before goes on serving.',
  },
  HANDCAR_DATA_FOLDER: {
    title: 'The data folder cannot be used',
    fix: 'Create the folder and give it to the user of this process, or set HANDCAR_DATA to another one.',
  },
  HANDCAR_DATA_VOLATILE: {
    title: 'The data folder does not survive a restart of the machine or container',
    fix: 'Set HANDCAR_DATA to a folder on a disk or a volume; HANDCAR_ALLOW_VOLATILE_DATA=1 takes the risk.',
  },
  HANDCAR_ALREADY_RUNNING: {
    title: 'A second supervisor was started on one data folder',
    fix: 'Use `handcar status`, `handcar reload` or `handcar stop` on the one that runs, or start this one with another data folder.',
  },
  HANDCAR_NOT_RUNNING: {
    title: 'No supervisor runs on this data folder',
    fix: 'Start the app with `handcar start`, or name its folder with --folder.',
  },
  HANDCAR_CONTROL_FAILED: {
    title: 'The supervisor did not do what it was asked for',
    fix: 'Look into the log of the app, and ask again.',
  },
  HANDCAR_BOOT_FAILED: {
    title: 'A process of the app ended before it was ready',
    fix: 'Mend what the message tells, and start or reload again.',
  },
  HANDCAR_BOOT_TIMEOUT: {
    title: 'A process of the app was not ready in time',
    fix: 'Find out what its start waits for, or raise bootTimeout.',
  },
  HANDCAR_UPGRADE_IMPOSSIBLE: {
    title: 'The supervisor cannot be replaced while it runs',
    fix: 'Stop and start it; in a container, start a new one.',
  },
  HANDCAR_UPGRADE_FAILED: {
    title: 'The new supervisor did not start',
    fix: 'Mend what the message tells; the old supervisor goes on.',
  },
  HANDCAR_PORT_IN_USE: {
    title: 'The port is taken by another program',
    fix: 'Stop that program, or choose another port with PORT or the option `server.port`.',
  },
  HANDCAR_PORT_FORBIDDEN: {
    title: 'This user may not listen on the port',
    fix: 'Choose a port above 1023, or let systemd or a proxy listen on it.',
  },
  HANDCAR_JOBS_TABLES: {
    title: 'A database has no tables for jobs',
    fix: 'Give the database their migrations: new Database({ partMigrations: { jobs: Jobs.migrations } }).',
  },
  HANDCAR_JOBS_INVALID: {
    title: "The module of an app's jobs cannot be used",
    fix: 'Create the file, or name the right one in the setting `jobs.definitions`.',
  },
  HANDCAR_JOB_UNKNOWN: {
    title: 'A job is not one of the definitions of the part',
    fix: 'Add what defineJob returned to the option `definitions` of Jobs.',
  },
  HANDCAR_RECURRING_UNKNOWN: {
    title: 'There is no recurring job of that name',
    fix: 'Correct the name; `jobs.recurring.list()` and `handcar jobs recurring` show all of them.',
  },
  HANDCAR_RECURRING_DEFINED: {
    title: 'A recurring job that the code defines was to be added or removed',
    fix: 'Give the one that is added another name; pause the one of the code, or take it out of the code.',
  },
  HANDCAR_JOB_PAYLOAD: {
    title: 'A value cannot be kept with a job',
    fix: 'Pass plain JSON that fits the schema of the job: objects, arrays, strings, finite numbers, booleans and null.',
  },
  HANDCAR_JOB_TIMEOUT: {
    title: 'A job took longer than it may, or than somebody waited for it',
    fix: 'Raise the timeout, or cut the work into smaller jobs; see that a process performs jobs (`handcar status`).',
  },
  HANDCAR_JOB_CANCELLED: {
    title: 'A job was cancelled while it ran',
    fix: 'Nothing has to be done; the message says why it was cancelled.',
  },
  HANDCAR_JOB_CLAIM_LOST: {
    title: 'An attempt went on with a job that is not its own any more',
    fix: 'Nothing has to be done: the write was refused. Listen to job.signal to end such attempts early.',
  },
  HANDCAR_JOB_MISSING: {
    title: 'There is no job of an id',
    fix: 'Find the job by `handcar jobs list`; it may have been deleted, as all are some time after their end.',
  },
  HANDCAR_JOB_STATE: {
    title: 'A job is in a state in which that cannot be done with it',
    fix: 'Wait until the job does not run any more, or cancel it; what has completed can be retried, not edited.',
  },
  HANDCAR_JOB_STEP: {
    title: 'A step of a job is used in a way that could not be remembered',
    fix: 'Take steps one after the other or side by side, never inside a step or a transaction, each under a name of its own.',
  },
  HANDCAR_JOB_STEP_FAILED: {
    title: 'A step of a job has failed for good, or has failed and the job went on',
    fix: 'Let the error of a step pass, so that the job is tried again; or give the step { maxAttempts } and catch the error.',
  },
  HANDCAR_JOB_ENDED: {
    title: 'The result of a job was awaited that has none',
    fix: 'Look at the reason in the message; `jobs.retry(id)` runs a discarded job again.',
  },
  HANDCAR_BATCH_CLOSED: {
    title: 'A job was to join a batch that is not open any more',
    fix: 'Add jobs while a job of the batch is unfinished, or keep it open with the option `stayOpen` until close().',
  },
  HANDCAR_BATCH_UNKNOWN: {
    title: 'A batch does not exist',
    fix: 'It was deleted, perhaps because it had ended long ago; look at the retention of jobs.',
  },
  HANDCAR_WORKFLOW_CYCLE: {
    title: 'Jobs of a workflow wait for one another',
    fix: 'Take one of the dependencies out that the message names.',
  },
  HANDCAR_CACHE_TABLES: {
    title: 'A database has no tables for the cache',
    fix: 'Make the database of the cache with Cache.databaseOptions(path), and give the app its table: partMigrations: { cache: Cache.appMigrations }.',
  },
  HANDCAR_CACHE_KEY: {
    title: 'A value cannot be the key of a cache',
    fix: 'Pass a text of 1 to 1,024 bytes; for anything longer, a digest of it.',
  },
  HANDCAR_CACHE_TAG: {
    title: 'A value cannot be a tag, or there are too many of them',
    fix: 'Pass at most 100 texts of 1 to 1,024 bytes.',
  },
  HANDCAR_CACHE_VALUE: {
    title: 'A value cannot be kept in a cache',
    fix: 'Pass bytes, or plain data that structuredClone takes: no functions, no symbols.',
  },
  HANDCAR_CACHE_VALUE_TOO_LARGE: {
    title: 'A value is larger than the cache takes',
    fix: 'Keep less, or raise maxValue; it is at most a quarter of maxBytes.',
  },
  HANDCAR_CACHE_COUNTER: {
    title: 'A value cannot be counted up',
    fix: 'Count under a key of its own: a counter is a whole number.',
  },
  HANDCAR_CACHE_TIMEOUT: {
    title: 'The value of a cache was not there in time',
    fix: 'Raise hardTimeout, make the factory faster, or keep values longer with grace so that there is one to fall back to.',
  },
  HANDCAR_CACHE_DEADLOCK: {
    title: 'A factory waits for a value that waits for it',
    fix: 'Let the factory not ask the cache for its own key, nor for one whose factory asks for it.',
  },
  HANDCAR_CACHE_LOCK_LOST: {
    title: 'A lock is not held any more',
    fix: 'Give it a longer ttl, or extend() it while the work goes on, and stop the work when its signal is aborted.',
  },
  HANDCAR_REALTIME_TABLES: {
    title: 'A database has no tables for realtime',
    fix: 'Give the database their migrations: new Database({ partMigrations: { realtime: Realtime.migrations } }).',
  },
  HANDCAR_CHANNELS_INVALID: {
    title: "The module of an app's channels cannot be used",
    fix: 'Create the file, or name the right one in the setting `realtime.channels`; export `authenticate` as a function or not at all.',
  },
  HANDCAR_REALTIME_STARTED: {
    title: 'Channels were defined when realtime was started already',
    fix: 'Call realtime.define() before start(), or pass them in the options.',
  },
  HANDCAR_REALTIME_CHANNEL: {
    title: 'A channel is not known, or a parameter of its name is missing or too long',
    fix: 'Export the definition from src/channels.ts of an app, or name it in the option channels of Realtime; pass each parameter of its name.',
  },
  HANDCAR_REALTIME_MESSAGE: {
    title: 'A message cannot be published',
    fix: 'Pass plain JSON that fits the schema of the message, of a type that the channel has; of anything large, publish an id.',
  },
  HANDCAR_REALTIME_SERVERS: {
    title: 'A server of socket.io in another process has not answered in time',
    fix: 'Find what keeps that process busy, or raise requestTimeout of createAdapter, or the timeout of the call.',
  },
  HANDCAR_FILE_TASK_FAILED: {
    title: 'A database file could not be copied or checked',
    fix: 'Mend what the message tells, and try again; what was begun has been removed.',
  },
  HANDCAR_DATABASE_IN_USE: {
    title: 'A database is open that has to be closed',
    fix: 'Stop the app by `handcar stop`, end `handcar dev`, consoles and shells on it, and try again.',
  },
  HANDCAR_SNAPSHOT_NAME: {
    title: 'A text cannot be the name of a snapshot',
    fix: 'Use up to 80 lower-case letters, digits, dots, dashes and underscores; begin with a letter or digit.',
  },
  HANDCAR_SNAPSHOT_EXISTS: {
    title: 'There is a snapshot of that name already',
    fix: 'Choose another name, or delete the old one by `handcar snapshot delete`.',
  },
  HANDCAR_SNAPSHOT_MISSING: {
    title: 'There is no snapshot of that name',
    fix: 'Correct the name; `handcar snapshot list` shows all of them.',
  },
  HANDCAR_SNAPSHOT_DAMAGED: {
    title: 'A snapshot is not what was written',
    fix: 'Use another snapshot or the backup; look at the disk, then delete this one.',
  },
  HANDCAR_SNAPSHOT_BUSY: {
    title: 'Another process works on the snapshots',
    fix: 'Wait until it is done, and try again.',
  },
  HANDCAR_RESTORE_TARGET: {
    title: 'A database cannot be restored to a place',
    fix: 'Name a place where no such file is yet, in a folder that exists; or move that file away.',
  },
  HANDCAR_BRANCH_NOT_FOUND: {
    title: 'It is not known on which git branch the app is',
    fix: 'Run it inside a git checkout, or name the branch.',
  },
  HANDCAR_BRANCH_MISSING: {
    title: 'A branch has no database of its own',
    fix: 'Correct the name (`handcar branch list` shows all), or make one by `handcar branch create`.',
  },
  HANDCAR_BRANCH_EXISTS: {
    title: 'A branch has a database of its own already',
    fix: 'Use it; or delete it by `handcar branch delete`, and create it anew.',
  },
  HANDCAR_BRANCH_SCHEMA: {
    title: 'The tables of two branches differ',
    fix: 'Merge the code, run `handcar migrate` on both branches, and try again.',
  },
  HANDCAR_BRANCH_MERGE: {
    title: 'The rows of a branch do not fit into the other database',
    fix: 'Mend what the message tells on one of the branches; nothing was merged.',
  },
  HANDCAR_BRANCHES_OFF: {
    title: 'Databases of branches are for development',
    fix: 'Set HANDCAR_BRANCHES=1 and NODE_ENV=development, in .env say; never in production.',
  },
  HANDCAR_LITESTREAM_MISSING: {
    title: 'Litestream is not installed',
    fix: 'Run `handcar backup install`, or install Litestream 0.5 so that it is on PATH, or `npm install @flydotio/litestream`.',
  },
  HANDCAR_LITESTREAM_VERSION: {
    title: 'A program is not a Litestream that handcar knows',
    fix: 'Run `handcar backup install`, or name a Litestream 0.5 in the setting backup.binary (HANDCAR_LITESTREAM).',
  },
  HANDCAR_LITESTREAM_OPTION: {
    title: 'The Litestream that is installed cannot do what the configuration asks for',
    fix: 'Change the setting that the message names, or use the other Litestream.',
  },
  HANDCAR_LITESTREAM_INSTALL: {
    title: 'Litestream could not be installed',
    fix: 'Mend what the message tells and try again; or install it by hand from https://litestream.io/install/.',
  },
  HANDCAR_LITESTREAM_RUNNING: {
    title: 'Another process replicates this database already',
    fix: 'End the one that the message names: two of them damage the database and its backup.',
  },
  HANDCAR_BACKUP_OFF: {
    title: 'The app has no backup',
    fix: 'Name a replica in the setting backup.replicas.',
  },
  HANDCAR_BACKUP_EMPTY: {
    title: 'A replica has no state of the database, or none of the time that was asked for',
    fix: 'Correct the setting backup.replicas, or name a time that the message shows.',
  },
  HANDCAR_RESTORE_FAILED: {
    title: 'A database could not be restored',
    fix: 'Mend what the message tells and try again; nothing was changed. Another replica or an earlier time (--at) may be whole.',
  },
  HANDCAR_VERIFICATION_BUSY: {
    title: 'Another process verifies the backup',
    fix: 'Wait until it is done; `handcar backup status` shows what it has found.',
  },
  HANDCAR_REPLICA_OWNED: {
    title: 'Another machine writes to the replica, or may',
    fix: 'Stop the app there, or give this one a replica of its own. If that machine is gone for good: `handcar restore --take-over`.',
  },
} as const satisfies Record<string, { title: string; fix: string }>

/** A code of {@link errorCatalog}. */
export type ErrorCode = keyof typeof errorCatalog
