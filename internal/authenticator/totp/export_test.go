package totp

// CodeAt is the code of a step, for the app in tests.
var CodeAt = codeAt
