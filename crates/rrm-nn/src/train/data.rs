//! Files of rows -> the batch of any step, as a function of seed and step.
