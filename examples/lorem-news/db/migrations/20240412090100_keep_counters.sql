-- The counters are kept by the database, in the transaction that changes the rows: whoever writes to the file,
-- and however a row goes (deleted, or taken along by a deleted post or user), they stay exact.
-- scripts/audit.ts compares them with the rows.

create trigger posts_count_up after insert on posts begin
  update users set posts_count = posts_count + 1 where id = new.user_id;
end;

create trigger posts_count_down after delete on posts begin
  update users set posts_count = posts_count - 1 where id = old.user_id;
end;

create trigger comments_count_up after insert on comments begin
  update posts set comments_count = comments_count + 1 where id = new.post_id;
end;

create trigger comments_count_down after delete on comments begin
  update posts set comments_count = comments_count - 1 where id = old.post_id;
end;

-- Nothing in the app moves a row to another parent, and the counters above rely on it.

create trigger posts_keep_their_author before update of user_id on posts when new.user_id <> old.user_id begin
  select raise(abort, 'a post keeps its author');
end;

create trigger comments_keep_their_post before update of post_id on comments when new.post_id <> old.post_id begin
  select raise(abort, 'a comment keeps its post');
end;
