//! The environment of an image: a list of `NAME=VALUE`, in which order and duplicates matter.

use crate::{Error, ErrorKind, Result, shown};

/// The PATH of a base that has none: what Docker gives a container.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Sets a variable in an image's `Env`: in its place if it is there already, else at the end.
///
/// # Errors
/// A name that is empty or holds `=`, or a NUL or newline anywhere: no runtime can pass that on.
pub fn merge_env(env: &mut Vec<String>, name: &str, value: &str) -> Result<()> {
    if name.is_empty() || name.contains(['=', '\0', '\n']) || value.contains(['\0', '\n']) {
        return Err(Error::new(
            ErrorKind::Stack,
            "ENV",
            format!(
                "{}={} cannot be a variable: no '=' in a name, no newline or NUL in either",
                shown(name),
                shown(value)
            ),
        ));
    }
    let entry = format!("{name}={value}");
    match env.iter_mut().find(|e| e.split_once('=').is_some_and(|(n, _)| n == name)) {
        Some(place) => *place = entry,
        None => env.push(entry),
    }
    Ok(())
}

/// Puts directories in front of a PATH; a directory that is named twice keeps its first place.
///
/// ```
/// use oci_merge_image::join_path;
/// let path = join_path(&["/opt/java/bin".into(), "/usr/bin".into()], "/usr/bin:/bin");
/// assert_eq!(path, "/opt/java/bin:/usr/bin:/bin");
/// ```
pub fn join_path(directories: &[String], base: &str) -> String {
    let mut path: Vec<&str> = Vec::new();
    for directory in directories.iter().map(String::as_str).chain(base.split(':')) {
        if !directory.is_empty() && !path.contains(&directory) {
            path.push(directory);
        }
    }
    path.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_keeps_its_place() {
        let mut env = vec!["A=1".to_owned(), "B=2".to_owned()];
        merge_env(&mut env, "A", "x=y").unwrap();
        merge_env(&mut env, "C", "").unwrap();
        assert_eq!(env, ["A=x=y", "B=2", "C="]);
        for (name, value) in [("", "x"), ("a=b", "x"), ("A", "x\ny"), ("A\0", "x")] {
            assert!(merge_env(&mut env, name, value).is_err(), "{name:?}");
        }
    }
}
