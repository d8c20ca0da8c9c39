-- The site's mail. A site with a mail server would hand them over to it; this one keeps them, and shows them in development at /mailbox.
-- The key says which mail it is, so that a job which is tried again delivers nothing twice.

create table mails (
  id integer primary key autoincrement,
  user_id integer not null references users (id) on delete cascade,
  key text not null check (length(key) between 1 and 200),
  created_at integer not null check (created_at > 0),
  subject text not null check (length(subject) between 1 and 200),
  body text not null
) strict;

create unique index mails_by_key on mails (key);
create index mails_newest on mails (created_at);
create index mails_of_user on mails (user_id);

-- One row a day: what became of the digest.

create table digests (
  day text primary key not null check (day glob '????-??-??'),
  posts integer not null check (posts >= 0),
  mails integer not null check (mails >= 0),
  created_at integer not null check (created_at > 0)
) strict, without rowid;
