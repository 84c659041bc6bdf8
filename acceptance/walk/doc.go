// Package walk lets people and attackers of two companies do whatever comes next, over every
// endpoint of the public listener, while operators change the rules and the clock jumps. It
// keeps its own account of what was proved in which browser, from what it sent and what
// arrived by mail, and holds every answer to it: no session is worth more than its proofs,
// nothing crosses a company, what is spent or ended stays so. It refuses to ask the program
// what should happen.
package walk
