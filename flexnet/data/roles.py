"""The roles that splits play, whatever a dataset calls them."""

TRAIN, TEST = "train", "test"  # trained on, scored on
ROLES = (TRAIN, TEST)
