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

-- _commit is in commit.sql.
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
