-- 0009: a prompt is answered once, whatever the words. The key of office.action told two answers of one word apart only: OK and BATAL in
-- one batch were both carried out.
create function office.close_token(token bigint, at bigint, by text) returns void
	language plpgsql volatile set search_path = pg_catalog as $$
begin
	update office.token t set closed_at = $2, closed_by = $3 where t.id = $1 and t.closed_at is null;
	if not found then
		raise exception 'prompt % was answered meanwhile', $1 using errcode = 'object_in_use';
	end if;
end $$;
revoke all on function office.close_token from public;
grant execute on function office.close_token to mtagw_router;
