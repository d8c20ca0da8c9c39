-- Votes: somebody is for a post, or is not. The counter is kept by triggers, as the others are.
-- A column that is added stands behind the long text of its row, so lists read past it; most texts are shorter than a page of the file.

create table votes (
  post_id integer not null references posts (id) on delete cascade,
  user_id integer not null references users (id) on delete cascade,
  created_at integer not null check (created_at > 0),
  primary key (post_id, user_id)
) strict, without rowid;

create index votes_of_user on votes (user_id);

alter table posts add column votes_count integer not null default 0 check (votes_count >= 0);

create trigger votes_count_up after insert on votes begin
  update posts set votes_count = votes_count + 1 where id = new.post_id;
end;

create trigger votes_count_down after delete on votes begin
  update posts set votes_count = votes_count - 1 where id = old.post_id;
end;
