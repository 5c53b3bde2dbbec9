"""Figures and tables of the push-pull paper (doi 10.1007/s00521-020-04751-8)."""
