"""Named targets: everything of a reduced scale, and the published figures."""

for home in SCALES:
    if home:

        rule:
            """Every figure of the scale of this name, under the protocols that it names, and its ledger of claims."""
            name:
                home.rstrip("/")
            input:
                lambda wildcards, home=home: wanted(home),


rule published:
    """Every figure whose rows are published: seconds, nothing is trained."""
    input:
        lambda wildcards: wanted_published(),


rule targets:
    """List every figure: scale, protocol, what it shows, whether it is there, what it costs."""
    localrule: True
