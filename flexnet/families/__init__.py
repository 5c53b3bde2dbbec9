"""Families: ways of asking a model something. One module each declares what is asked, without torch.

`flexnet.evaluation.<name>` answers it.
"""
