// Package postgis keeps a city in a PostgreSQL database with PostGIS, for when
// several people or machines share it, and publishes tables that are there
// already, in place and read-only. Both are one layers.Store.
//
//	schema twind (Options.Schema)
//	  <layer>      id │ geom │ revision │ one column a property      a table a layer
//	  _layers      the layers' descriptions (JSON) and columns
//	  _changes     revision │ layer │ feature │ op │ time            the change log
//	  _pending     changes of transactions under way
//	  _loads       loads under way and done, _load_<n> their staging tables
//	  _published   what is known of the published tables
//	any other schema
//	  <table>      published: SELECT …, ST_Transform(geom, 4326)
//
// Triggers write the log, so the edits of any SQL client are in it. They note
// what changed in _pending; a deferred trigger gives out revisions at the
// transaction's end, under a lock held until the commit, so that revisions are
// in commit order and a transaction that is long open blocks nobody. Listeners
// are told by NOTIFY. Transactions of more than 100,000 changes in a layer are
// logged as one Reloaded.
//
// Readers never wait for writers: PostgreSQL's snapshots see to edits, and what
// needs an exclusive lock (publishing a load by renaming, a new property,
// dropping) asks for it for a tenth of a second at a time.
//
// Every value that reaches SQL is a bound parameter; every identifier comes from
// the catalogue and is quoted.
package postgis
