// Package collector turns what the API says of the watched instances into metrics.
//
// One scrape is one straight line: the handler gives it a context with the scrape's deadline; the scrape asks for the
// instances that are due, through the queues of their accounts and regions; the fleet's memory keeps each answer or
// error with its time; the gauges of every watched instance come from that memory, with "now" read once.
package collector
