//! Which cryptography TLS is made with.

use oci_merge_store::network::Tls;

/// The provider that was compiled in, if this processor can run it.
pub(crate) fn provider() -> Option<Tls> {
    #[cfg(feature = "tls-graviola")]
    if graviola_runs() {
        return Some(Tls::rustls_0_23(rustls_graviola::default_provider()));
    }
    #[cfg(feature = "tls-ring")]
    return Some(Tls::rustls_0_23(rustls::crypto::ring::default_provider()));
    #[cfg(not(feature = "tls-ring"))]
    None
}

/// What graviola asks of an x86-64 processor: all since about 2014 have it.
#[cfg(all(feature = "tls-graviola", target_arch = "x86_64"))]
fn graviola_runs() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("aes") && has!("ssse3") && has!("avx") && has!("avx2") && has!("adx") && has!("bmi2") && has!("pclmulqdq")
}

/// What graviola asks of an ARM processor.
#[cfg(all(feature = "tls-graviola", target_arch = "aarch64"))]
fn graviola_runs() -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    has!("aes") && has!("sha2") && has!("pmull") && has!("neon")
}
