//! Writes a directory as a tarball the way Rust programs do: the `tar` crate's builder.
fn main() -> std::io::Result<()> {
    let root = std::env::args_os().nth(1).expect("a directory");
    let mut out = tar::Builder::new(std::io::stdout().lock());
    out.follow_symlinks(false);
    out.append_dir_all(".", root)?;
    out.finish()
}
