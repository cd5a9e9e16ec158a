//! The manual: what a user of the program or the library wants to know, a page a module.
//!
//! | page | what is in it |
//! |---|---|
//! | [`spec`] | the spec file, key by key |
//! | [`command_line`] | commands, outputs, environment, exit codes |
//! | [`codes`] | every code in a line |
//! | [`explanations`] | every code, why it matters, what to do |
//! | [`sources`] | which archives are read, and where their files land |
//! | [`indexes`] | layers in a registry: what is known of them, who is believed, what a push sends |
//! | [`store`] | the local store: what is remembered from run to run, how large it gets, who may share it |
//! | [`reproducibility`] | what the digest depends on |
//! | [`farm`] | what a build farm pays, and where it breaks first |
//! | [`library`] | the same from a program of your own |

#[doc = include_str!("../manual/spec.md")]
pub mod spec {}

#[doc = include_str!("../manual/command_line.md")]
pub mod command_line {}

#[doc = include_str!("../manual/codes.md")]
pub mod codes {}

/// The pages `manual/codes/CODE.md`: as documentation, and for `explain`. Every code of the program has one; a test
/// compares.
macro_rules! code_pages {
    ($($code:literal)*) => {
        $(#[doc = include_str!(concat!("../manual/codes/", $code, ".md"))])*
        pub mod explanations {}

        /// Each code and its page.
        pub(crate) const CODE_PAGES: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../manual/codes/", $code, ".md")))),*];
    };
}

code_pages! {
    "OM0100" "OM0101" "OM0102" "OM0103" "OM0104" "OM0105" "OM0106" "OM0107" "OM0108" "OM0109" "OM0111"
    "OM0201" "OM0202" "OM0203" "OM0204" "OM0205" "OM0206" "OM0207" "OM0208" "OM0209" "OM0210" "OM0211" "OM0212"
    "OM0220" "OM0221"
    "OM0301" "OM0302" "OM0303"
    "OM0401" "OM0402" "OM0403" "OM0404" "OM0405" "OM0406"
    "OM0501" "OM0502" "OM0503" "OM0506" "OM0507"
    "OM0601" "OM0602" "OM0603"
    "OM0801" "OM0802" "OM0803" "OM0804"
    "OM0900"
}

#[doc = include_str!("../manual/sources.md")]
pub mod sources {}

#[doc = include_str!("../manual/indexes.md")]
pub mod indexes {}

#[doc = include_str!("../manual/store.md")]
pub mod store {}

#[doc = include_str!("../manual/reproducibility.md")]
pub mod reproducibility {}

#[doc = include_str!("../manual/farm.md")]
pub mod farm {}

#[doc = include_str!("../manual/library.md")]
pub mod library {}
