-- twind's tables in a database. {s} is the schema as an identifier, {n} its name.

CREATE TABLE {s}._store (
	one      boolean PRIMARY KEY DEFAULT true CHECK (one),
	format   integer NOT NULL,            -- of this file
	identity text    NOT NULL,
	pruned   bigint  NOT NULL DEFAULT 0   -- the log holds everything after this revision
);

CREATE SEQUENCE {s}._revision;
CREATE SEQUENCE {s}._feature_id;          -- ids of features that came without one

CREATE TABLE {s}._layers (
	id          text COLLATE "C" PRIMARY KEY, -- also the name of the layer's table
	number      integer GENERATED ALWAYS AS IDENTITY UNIQUE, -- in names of indexes, which could be layers' otherwise
	description json   NOT NULL,
	columns     text[] NOT NULL             -- of the properties, in their order
);

-- The last time that a layer as a whole was loaded: no feature's revision is smaller.
-- Written under the commit lock only.
CREATE TABLE {s}._bases (
	layer    text COLLATE "C" PRIMARY KEY,
	revision bigint NOT NULL
);

CREATE TABLE {s}._changes (
	revision bigint      PRIMARY KEY,
	layer    text COLLATE "C" NOT NULL,
	feature  text COLLATE "C",              -- null: the whole layer
	op       smallint    NOT NULL,          -- 1 inserted 2 updated 3 deleted 4 reloaded 5 created 6 described anew 7 dropped
	time     timestamptz NOT NULL
);

-- Loads under way; their rows are in _load_<number>.
CREATE TABLE {s}._loads (
	number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	layer   text        NOT NULL,
	started timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE {s}._published (
	layer       text COLLATE "C" PRIMARY KEY,
	config      text NOT NULL,              -- hash of how it is published
	fingerprint text NOT NULL               -- of the table's statistics when it was last looked at
);

-- What transactions under way have changed.
CREATE UNLOGGED TABLE {s}._pending (
	xid     xid8   NOT NULL DEFAULT pg_current_xact_id(),
	n       bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	layer   text COLLATE "C" NOT NULL,
	feature text COLLATE "C",
	op      smallint NOT NULL,
	PRIMARY KEY (xid, n)
);
CREATE UNLOGGED TABLE {s}._commits (xid xid8 PRIMARY KEY DEFAULT pg_current_xact_id());

-- _note notes a change of a whole layer.
CREATE FUNCTION {s}._note(layer text, op smallint) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $fn$
	INSERT INTO {s}._pending (layer, op) VALUES (layer, op);
	INSERT INTO {s}._commits DEFAULT VALUES ON CONFLICT DO NOTHING;
$fn$;

-- _commit runs once, at the end of a transaction that changed something: it
-- gives out the revisions and tells the listeners.
CREATE FUNCTION {s}._commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET twind.recording = 'off' AS $fn$
DECLARE
	first bigint;
	last  bigint;
	at    record;
BEGIN
	DELETE FROM {s}._commits WHERE xid = pg_current_xact_id();
	-- Held until the commit is visible: revisions are in commit order.
	PERFORM pg_advisory_xact_lock(hashtextextended('twind.commit.{n}', 0));
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

CREATE CONSTRAINT TRIGGER _commit AFTER INSERT ON {s}._commits DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION {s}._commit();

-- _degrees transforms a geometry to longitude and latitude; one outside of its
-- system's domain becomes a point at infinity instead of an error.
CREATE FUNCTION {s}._degrees(geom {g}.geometry) RETURNS {g}.geometry LANGUAGE plpgsql STABLE STRICT AS $fn$
BEGIN
	RETURN {g}.st_transform(geom, 4326);
EXCEPTION WHEN internal_error OR data_exception THEN
	RETURN {g}.st_setsrid({g}.st_makepoint('Infinity', 'Infinity'), 4326);
END $fn$;
