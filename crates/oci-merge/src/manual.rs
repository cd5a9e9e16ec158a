//! The manual: what a user of the program or the library wants to know, a page a module.
//!
//! | page | what is in it |
//! |---|---|
//! | [`spec`] | the spec file, key by key |
//! | [`command_line`] | commands, outputs, environment, exit codes |
//! | [`codes`] | every code, what it means, what to do |
//! | [`sources`] | which archives are read, and where their files land |
//! | [`reproducibility`] | what the digest depends on |
//! | [`library`] | the same from a program of your own |

#[doc = include_str!("../manual/spec.md")]
pub mod spec {}

#[doc = include_str!("../manual/command_line.md")]
pub mod command_line {}

#[doc = include_str!("../manual/codes.md")]
pub mod codes {}

#[doc = include_str!("../manual/sources.md")]
pub mod sources {}

#[doc = include_str!("../manual/reproducibility.md")]
pub mod reproducibility {}

#[doc = include_str!("../manual/library.md")]
pub mod library {}
