//! Rules one by one, on images that are written by hand.

mod commands;
mod hostile;
mod images;
mod libraries;
mod links;
mod machines;
mod scripts;
mod users;
mod versions;
