// Package layers says what a city contains: layers of features, the questions
// that are asked of them, the changes they undergo, and the contract of the
// stores that hold them.
//
//	Store ──Scan──▶ Feature …            the truth, in a transaction's view
//	  │ Update(Tx) ─▶ Revision           one transaction, one or more revisions
//	  └ Changes(after) ─▶ Record …       what happened since, in order
//	snapshot ─▶ Change{layer, revision, envelope, ids}   what readers are told
//
// The stores are in the sub-packages geopackage and postgis; the suite that
// proves them equal is storetest. What reads features reads package snapshot.
package layers
