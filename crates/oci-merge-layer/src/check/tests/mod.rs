//! The rules as tables of cases, and the theorem that they serve.

mod agreed;
mod bounded;
mod cases;
mod counterexamples;
mod determinism;
mod flattened;
mod joined;
mod lists;
mod models;
mod random;
mod rules;
mod said;
mod sets;
mod spelling;
mod theorem;
mod through;
