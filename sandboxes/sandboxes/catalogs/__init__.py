"""Stand-ins for DataHub and OpenMetadata that check what they receive with the vendors' models.

The models need other versions of libraries than the platform has, so each vendor's packages are
in an environment of their own, and a judge there reads what came.
"""
