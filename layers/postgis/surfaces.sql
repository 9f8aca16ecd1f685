-- What format 2 added to format 1; it runs after schema.sql, and over a schema of format 1.

-- The faces of features' bodies.
CREATE TABLE IF NOT EXISTS {s}._surfaces (
	layer    text COLLATE "C" NOT NULL,
	feature  text COLLATE "C" NOT NULL,
	classes  text  NOT NULL,                -- one letter a face: G ground, W wall, R roof, O other
	surfaces bytea NOT NULL,                -- ISO WKB of a MultiPolygon Z: longitude, latitude, metres
	PRIMARY KEY (layer, feature)
);

-- _record notes the rows of one statement. Arguments: layer; SQL expression of the feature's id.
CREATE OR REPLACE FUNCTION {s}._record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
	key  text := TG_ARGV[1];
	rows bigint;
BEGIN
	PERFORM FROM {s}._surfaces WHERE layer = TG_ARGV[0] LIMIT 1;
	IF FOUND THEN -- what is gone or stands elsewhere loses its surfaces
		IF TG_OP = 'TRUNCATE' THEN
			DELETE FROM {s}._surfaces WHERE layer = TG_ARGV[0];
		ELSIF TG_OP = 'DELETE' THEN
			EXECUTE 'DELETE FROM {s}._surfaces s USING (SELECT ' || key || ' AS k FROM old_rows) o WHERE s.layer = $1 AND s.feature = o.k' USING TG_ARGV[0];
		ELSIF TG_OP = 'UPDATE' THEN
			EXECUTE 'DELETE FROM {s}._surfaces s
				USING (SELECT ' || key || ' AS k, geom::bytea AS g FROM old_rows) o LEFT JOIN (SELECT ' || key || ' AS k, geom::bytea AS g FROM new_rows) n ON n.k = o.k
				WHERE s.layer = $1 AND s.feature = o.k AND (n.k IS NULL OR n.g IS DISTINCT FROM o.g)' USING TG_ARGV[0];
		END IF;
	END IF;
	IF TG_OP <> 'TRUNCATE' THEN
		EXECUTE 'SELECT count(*) FROM ' || CASE TG_OP WHEN 'DELETE' THEN 'old_rows' ELSE 'new_rows' END INTO rows;
	END IF;
	IF rows > 100000 OR TG_OP = 'TRUNCATE' THEN
		INSERT INTO {s}._pending (layer, op) VALUES (TG_ARGV[0], 4);
	ELSIF TG_OP = 'INSERT' THEN
		EXECUTE 'INSERT INTO {s}._pending (layer, feature, op) SELECT $1, ' || key || ', 1 FROM new_rows' USING TG_ARGV[0];
	ELSIF TG_OP = 'DELETE' THEN
		EXECUTE 'INSERT INTO {s}._pending (layer, feature, op) SELECT $1, ' || key || ', 3 FROM old_rows' USING TG_ARGV[0];
	ELSIF TG_OP = 'UPDATE' THEN
		EXECUTE 'INSERT INTO {s}._pending (layer, feature, op)
			SELECT $1, coalesce(n.k, o.k), CASE WHEN o.k IS NULL THEN 1 WHEN n.k IS NULL THEN 3 ELSE 2 END
			FROM (SELECT ' || key || ' AS k FROM new_rows) n FULL JOIN (SELECT ' || key || ' AS k FROM old_rows) o ON n.k = o.k' USING TG_ARGV[0];
	END IF;
	IF rows IS DISTINCT FROM 0 THEN
		INSERT INTO {s}._commits DEFAULT VALUES ON CONFLICT DO NOTHING;
	END IF;
	RETURN NULL;
END $fn$;
