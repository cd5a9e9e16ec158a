//! Rules one by one, on images that are written by hand.

mod commands;
mod configured;
mod hostile;
mod images;
mod libraries;
mod links;
mod machines;
mod scripts;
mod tokens;
mod users;
mod versions;
