// Package collector turns what the API says of the watched instances into metrics.
//
// One scrape is one straight line. The handler sets the scrape's deadline. The scrape requests the instances that are due
// from the schedulers of their accounts and regions, and waits. Each scheduler gets a permit from its client, takes the
// instance whose latest attempt is the longest ago, sends, and keeps the answer or the error with its time in the memory.
// The scrape then sends the metrics of every watched instance from that memory, with "now" read once.
//
// Discovery runs beside the scrapes. It publishes what it finds as an inventory that never changes, and another takes its
// place.
package collector
