//! The rules as tables of cases, and the theorem that they serve.

mod agreed;
mod cases;
mod determinism;
mod lists;
mod models;
mod said;
mod spelling;
mod theorem;
