//! How likely each label was where the verdict stands.
