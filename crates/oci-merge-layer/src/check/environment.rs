//! One variable with two values.

use super::finding::{Claim, Finding, Owner, Party, Subject};
use super::{Code, Policy};

impl Finding {
    /// Layers, the lowest first, and the value that each gives a variable; `None` if they agree, or if the policy does not
    /// want it told.
    ///
    /// ```
    /// use oci_merge_layer::check::{Finding, Policy};
    /// let said = [("java", "/opt/java"), ("graal", "/opt/graal")];
    /// let finding = Finding::environment("JAVA_HOME", &said, &Policy::default()).unwrap();
    /// assert_eq!(finding.message(), "java and graal give JAVA_HOME different values");
    /// assert!(Finding::environment("JAVA_HOME", &said[..1], &Policy::default()).is_none());
    /// ```
    pub fn environment(name: &str, values: &[(&str, &str)], policy: &Policy) -> Option<Finding> {
        let (_, first) = values.first()?;
        if values.iter().all(|(_, value)| value == first) {
            return None;
        }
        let party = |(layer, value): &(&str, &str)| Party {
            owner: Owner::Layer((*layer).into()),
            at: None,
            claim: Claim::Value((*value).into()),
        };
        Some(Finding {
            subject: Subject::Variable(name.into()),
            code: Code::Environment,
            reason: None,
            severity: policy.severity(Code::Environment)?,
            more: 0,
            parties: values.iter().map(party).collect(),
        })
    }
}
