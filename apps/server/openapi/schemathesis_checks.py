"""What Schemathesis has no check for: why a request that the schemas take is refused."""

import schemathesis


@schemathesis.check
def refusal_is_of_what_schemas_cannot_tell(ctx, response, case):
    """A 400 of a request that fits the document says so by its kind: `invalid-request` is for those that do not fit."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    kind = response.json()["type"]
    assert kind != "urn:k2:problem:invalid-request", f"fits the schemas, and is refused as {kind}"
