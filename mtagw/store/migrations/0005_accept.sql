-- 0005: rows by columns. What smtpd commits for a group of messages is one call with an array for each column; the trail has a writer
-- of the same kind. Both, and audit.write, are plpgsql: their statements are planned once a connection (a SQL function is planned
-- at each call, which was half of a commit's time), and nothing is joined with what stands, whatever the planner believes of sizes.

-- The frozen form of 0001 in one place for both writers: version word, then key=value lines in this order, absent ones empty.
create function audit.canonical(id bigint, at bigint, event text, outcome text, message_id bigint, letter_id bigint, delivery_id bigint,
	"position" text, incumbency bigint, login text, policy_version bigint, rule_id text, code text, object_sha256 text, detail jsonb)
	returns text language sql stable as $$
	select pg_catalog.concat('mtagw-exchange-1', E'\nid=', $1, E'\nat=', $2, E'\nevent=', $3, E'\noutcome=', $4,
		E'\nmessage=', $5, E'\nletter=', $6, E'\ndelivery=', $7, E'\nposition=', $8, E'\nincumbency=', $9, E'\nlogin=', $10,
		E'\npolicy=', $11, E'\nrule=', $12, E'\ncode=', $13, E'\nobject=', $14, E'\ndetail=', pg_catalog.encode(
			pg_catalog.sha256(pg_catalog.convert_to(coalesce($15, '{}'::pg_catalog.jsonb)::pg_catalog.text, 'UTF8')), 'hex'), E'\n')
$$;

-- As 0001 says.
create or replace function audit.write(rows jsonb) returns void
	language plpgsql volatile security definer set search_path = pg_catalog as $$
begin
	with r as (
		select x.*, decode(replace(gen_random_uuid()::text, '-', ''), 'hex') as salt,
			audit.canonical(x.id, x.at, x.event, x.outcome, x.message_id, x.letter_id, x.delivery_id, x.position, x.incumbency,
				x.login, x.policy_version, x.rule_id, x.code, x.object_sha256, x.detail) as canonical
		from jsonb_to_recordset(rows) as x(id bigint, at bigint, event text, outcome text, message_id bigint,
			letter_id bigint, delivery_id bigint, position text, incumbency bigint, login text, policy_version integer,
			rule_id text, code text, object_sha256 text, detail jsonb)
	), d as (
		insert into audit.detail (exchange_id, detail)
		select id, detail from r where detail is not null and detail <> '{}'
	)
	insert into audit.exchange (id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login,
		policy_version, rule_id, code, object_sha256, salt, canonical, sha256)
	select id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login, policy_version, rule_id,
		code, decode(object_sha256, 'hex'), salt, canonical, sha256(salt || convert_to(canonical, 'UTF8'))
	from r;
end $$;

-- The same rows from columns: an array for each field, a NULL array where no row has it, NULL elements for absent values. objects
-- are hex, details jsonb as text.
create function audit.write_columns(ids bigint[], ats bigint[], events text[], outcomes text[], messages bigint[], letters bigint[],
	deliveries bigint[], positions text[], incumbencies bigint[], logins text[], versions bigint[], rules text[], codes text[],
	objects text[], details text[]) returns void
	language plpgsql volatile security definer set search_path = pg_catalog as $$
begin
	with x as (
		select unnest(ids) as id, unnest(ats) as at, unnest(events) as event, unnest(outcomes) as outcome,
			unnest(messages) as message_id, unnest(letters) as letter_id, unnest(deliveries) as delivery_id,
			unnest(positions) as position, unnest(incumbencies) as incumbency, unnest(logins) as login,
			unnest(versions) as policy_version, unnest(rules) as rule_id, unnest(codes) as code, unnest(objects) as object_sha256,
			unnest(details)::jsonb as detail
	), r as (
		select x.*, decode(replace(gen_random_uuid()::text, '-', ''), 'hex') as salt,
			audit.canonical(x.id, x.at, x.event, x.outcome, x.message_id, x.letter_id, x.delivery_id, x.position, x.incumbency,
				x.login, x.policy_version, x.rule_id, x.code, x.object_sha256, x.detail) as canonical
		from x
	), d as (
		insert into audit.detail (exchange_id, detail)
		select id, detail from r where detail is not null and detail <> '{}'
	)
	insert into audit.exchange (id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login,
		policy_version, rule_id, code, object_sha256, salt, canonical, sha256)
	select id, at, event, outcome, message_id, letter_id, delivery_id, position, incumbency, login, policy_version, rule_id,
		code, decode(object_sha256, 'hex'), salt, canonical, sha256(salt || convert_to(canonical, 'UTF8'))
	from r;
end $$;

-- One commit of smtpd, an element of each array for a message: the idempotency rows first, then body, message, the router's work and
-- the trail of those that are new. rcpts are array literals; bytes is NULL for a body in chunks, whose id stands in staged too. Gives NULL where all
-- are new, else for each message 0 (new), the id under which it stood before, or -1 where that is not to be seen yet.
-- The lock on the first id lets a look-up wait until a commit of unknown fate is decided.
create function mail.accept(ids bigint[], bodies bigint[], sizes bigint[], hashes bytea[], bytes bytea[], staged bigint[],
	channels text[], ats bigint[], senders text[], rcpts text[], logins text[], froms text[], mime_ids text[], subjects text[],
	peers text[], helos text[], dsns text[], keys bytea[], expires bigint[], works bigint[], trails bigint[], events text[],
	positions text[], actors text[], objects text[], details text[]) returns bigint[]
	language plpgsql volatile as $$
declare
	got bigint[]; old bigint[];
begin
	perform pg_advisory_xact_lock(ids[1]);
	with i as (
		insert into mail.idempotency (key, message_id, expires_at)
		select k, id, e from (select unnest(keys) as k, unnest(ids) as id, unnest(expires) as e) u where k is not null
		on conflict do nothing returning message_id
	)
	select array_agg(message_id) into got from i;
	if coalesce(cardinality(got), 0) < cardinality(array_remove(keys, null)) then
		with u as (
			select n, k is null or id = any(got) as fresh, k from unnest(ids, keys) with ordinality as u(id, k, n)
		)
		select array_agg(case when fresh then 0 else coalesce((select i.message_id from mail.idempotency i where i.key = k), -1) end
			order by n) into old from u;
		with u as (
			select * from unnest(old, ids, bodies, sizes, hashes, bytes, channels, ats, senders, rcpts, logins, froms, mime_ids,
				subjects, peers, helos, dsns, works, trails, events, positions, actors, objects, details) with ordinality
				as u(o, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, n)
			where o = 0
		)
		select array_agg(c1 order by n), array_agg(c2 order by n), array_agg(c3 order by n), array_agg(c4 order by n),
			array_agg(c5 order by n), array_agg(c6 order by n), array_agg(c7 order by n), array_agg(c8 order by n),
			array_agg(c9 order by n), array_agg(c10 order by n), array_agg(c11 order by n), array_agg(c12 order by n),
			array_agg(c13 order by n), array_agg(c14 order by n), array_agg(c15 order by n), array_agg(c16 order by n),
			array_agg(c17 order by n), array_agg(c18 order by n), array_agg(c19 order by n), array_agg(c20 order by n),
			array_agg(c21 order by n), array_agg(c22 order by n), array_agg(c23 order by n)
		into ids, bodies, sizes, hashes, bytes, channels, ats, senders, rcpts, logins, froms, mime_ids, subjects, peers, helos, dsns,
			works, trails, events, positions, actors, objects, details from u;
		if ids is null then
			return old;
		end if;
	end if;
	insert into mail.body (id, size, sha256, bytes)
	select unnest(bodies), unnest(sizes), unnest(hashes), unnest(bytes);
	if cardinality(staged) > 0 then
		delete from mail.body_staging where body_id = any(staged) and body_id = any(bodies);
	end if;
	insert into mail.message (id, body_id, channel, received_at, sender, rcpts, login, from_address, mime_message_id, subject, size,
		peer, helo, dsn)
	select unnest(ids), unnest(bodies), unnest(channels), unnest(ats), unnest(senders), unnest(rcpts)::text[], unnest(logins),
		unnest(froms), unnest(mime_ids), unnest(subjects), unnest(sizes), unnest(peers), unnest(helos), unnest(dsns);
	insert into mail.work (id, kind, ref, next_at) select unnest(works), 'route', unnest(ids), unnest(ats);
	perform audit.write_columns(trails, ats, events, array_fill('done'::text, array[cardinality(ids)]), ids, null, null, positions,
		null, actors, null, null, null, objects, details);
	return old;
end $$;

revoke all on function audit.canonical, audit.write_columns, mail.accept from public;
grant execute on function audit.write_columns to mtagw_smtpd, mtagw_router, mtagw_sender, mtagw_clerk, mtagw_ctl;
grant execute on function mail.accept to mtagw_smtpd;
