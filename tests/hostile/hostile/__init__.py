"""The hostile suite of Podium: programs and clients that mean harm. See ../run."""
