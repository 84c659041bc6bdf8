package user

// FactorKinds is what SQL takes for second factors.
const FactorKinds = factorKinds
