"""Spectra of images: how far out in spatial frequency their content lies."""
