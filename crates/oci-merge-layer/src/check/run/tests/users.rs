//! Users and groups by name.

use super::images::{DEBIAN, findings_on, in_short};
use crate::check::Finding;

fn of(base: &[&str], user: &str) -> Vec<Finding> {
    findings_on(base, &[], |system| system.user = Some(user.into()))
}

fn told(base: &[&str], user: &str) -> Vec<String> {
    of(base, user).iter().map(in_short).collect()
}

#[test]
fn a_name_is_looked_up_and_a_number_is_not() {
    for user in ["", "root", "jon", "jon:staff", "4711", "4711:4712", "jon:0", "0:staff"] {
        assert_eq!(told(&[DEBIAN], user), [""; 0], "{user}");
    }
    assert_eq!(told(&[DEBIAN], "jo"), ["OM0303 jo: base /etc/passwd"]);
    assert_eq!(told(&[DEBIAN], "jon:staffs"), ["OM0303 UNKNOWN_GROUP staffs: base /etc/group"]);
    assert_eq!(told(&[DEBIAN], "jo:staffs").len(), 2);
    let finding = &of(&[DEBIAN], "jo")[0];
    assert_eq!(finding.message(), "the user jo is not in /etc/passwd of the image");
    assert_eq!(finding.advice(), "give its number, such as user = \"1000:1000\", or make it in the base");
    assert_eq!(finding.severity().as_str(), "error");
}

#[test]
fn an_image_without_the_file_knows_nobody() {
    assert_eq!(of(&[], "root")[0].message(), "the user root is not known: the image has no /etc/passwd");
    assert_eq!(told(&[], "0:0"), [""; 0]);
    // Of a file that is too long to be kept, nothing is known.
    assert_eq!(told(&["f etc/passwd"], "root"), [""; 0]);
}
