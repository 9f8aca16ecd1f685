-- What format 3 changed; it runs before schema.sql, and over a schema of an older format.

-- _commit runs once, at the end of a transaction that changed something: it
-- gives out the revisions and tells the listeners.
CREATE OR REPLACE FUNCTION {s}._commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET twind.recording = 'off' AS $fn$
DECLARE
	first bigint;
	last  bigint;
	at    record;
BEGIN
	DELETE FROM {s}._commits WHERE xid = pg_current_xact_id();
	-- Held until the commit is visible: revisions are in commit order.
	PERFORM pg_advisory_xact_lock(hashtextextended('twind.commit.{n}', 0));
	-- A revision is the time of its change, in microseconds since 1970, where that is
	-- greater than one more than the last: databases that are one dump restored
	-- twice count apart.
	PERFORM setval('{s}._revision', greatest((SELECT last_value FROM {s}._revision), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint));
	-- One change a feature: what was before the transaction against what is
	-- after it (0: nothing either time). Too many of them in a layer, or a change
	-- of the whole layer, make one Reloaded.
	WITH p AS (
		DELETE FROM {s}._pending WHERE xid = pg_current_xact_id()
		RETURNING n, layer, feature, op, CASE WHEN feature IS NULL THEN op ELSE 0 END AS whole
	), net AS (
		SELECT layer, feature, max(n) AS n,
			CASE WHEN whole > 0 THEN whole
			     WHEN (array_agg(op ORDER BY n))[1] = 1 THEN CASE (array_agg(op ORDER BY n DESC))[1] WHEN 3 THEN 0 ELSE 1 END
			     ELSE CASE (array_agg(op ORDER BY n DESC))[1] WHEN 3 THEN 3 ELSE 2 END END AS op
		FROM p GROUP BY layer, feature, whole
	), whole AS (
		SELECT layer, max(n) AS n, bool_or(op IN (4, 7)) AS said FROM net WHERE op > 0
		GROUP BY layer HAVING count(*) > 100000 OR bool_or(op IN (4, 7))
	), lines AS (
		SELECT layer, feature, n, op FROM net WHERE op > 3 OR op > 0 AND layer NOT IN (SELECT layer FROM whole)
		UNION ALL
		SELECT layer, NULL, n, 4 FROM whole WHERE NOT said
	), log AS (
		INSERT INTO {s}._changes (revision, layer, feature, op, time)
		SELECT nextval('{s}._revision'), layer, feature, op, clock_timestamp() FROM (SELECT * FROM lines ORDER BY n) o
		RETURNING revision
	)
	SELECT min(revision), max(revision) INTO first, last FROM log;
	IF last IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO {s}._bases SELECT layer, max(revision) FROM {s}._changes WHERE revision >= first AND op = 4 GROUP BY layer
		ON CONFLICT (layer) DO UPDATE SET revision = excluded.revision;
	DELETE FROM {s}._bases b USING {s}._changes c WHERE c.revision >= first AND c.op = 7 AND b.layer = c.layer;
	FOR at IN SELECT DISTINCT c.layer FROM {s}._changes c JOIN {s}._layers l ON l.id = c.layer WHERE c.revision >= first AND c.op IN (1, 2) LOOP
		EXECUTE format('UPDATE {s}.%I t SET revision = c.revision FROM {s}._changes c
			WHERE c.revision >= $1 AND c.layer = $2 AND c.op IN (1, 2) AND t.id = c.feature', at.layer) USING first, at.layer;
	END LOOP;
	PERFORM set_config('twind.revision', last::text, true);
	PERFORM pg_notify('{n}', last::text);
	RETURN NULL;
END $fn$;
