// Package faults makes the program die and fail at every point at which something becomes
// durable, and at random ones, and then does three things: it starts it again, lets the
// auditor look, and goes on as the person would. It refuses to excuse: after a fault the
// person gets in, once, and nothing that was told is untrue.
package faults
