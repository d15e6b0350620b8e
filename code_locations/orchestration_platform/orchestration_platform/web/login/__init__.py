"""Who sends a request, and what this person may do.

``settings`` reads how people log in and which roles they have; ``gate`` finds the person of each
request, by ``tokens``, ``proxy_header`` or ``oidc`` with its ``sessions``. ``permissions`` turns
roles into Dagster's own permissions, and ``mutations`` refuses and records each GraphQL mutation.
Other pages call :func:`~orchestration_platform.web.login.person.person_of`.
"""
