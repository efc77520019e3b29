//! What the fuzzers share.

/// How long a fuzzer runs (s): `ZUNDEL_FUZZ_SECONDS`, or else `default`.
pub fn seconds(default: f64) -> f64 {
    std::env::var("ZUNDEL_FUZZ_SECONDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(default)
}
