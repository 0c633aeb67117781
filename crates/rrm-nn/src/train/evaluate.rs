//! Held-out pairs x the current weights -> how often the judge is right.
