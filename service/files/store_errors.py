"""Errors of object stores in words: what was asked of which object, and what the store answered."""

import re

from service.errors import InvalidValue, ServiceError, StoreError

NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")
"""How S3, Azure and Google say that there is no such bucket."""
DENIED = re.compile(r"status code: 40[13]|must be specified|PermissionDenied|Unauthenticated")
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""The environment variables that hold them, the usual ones of each store."""
STATUS = re.compile(r"status code: (\d{3}[^:]*)")
CODE = re.compile(r"<Code>(.*?)</Code>")
MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


def translate(error: Exception, expected: str, bucket: str, name: str) -> ServiceError:
    """Return an error of a store as one of the service.

    What the store answered is shortened to its status, code and message: the whole has the URL of
    the request, and with it the signature of a signed one.

    Args:
        error: What obstore raised.
        expected: What was to be done: "an object that can be read".
        bucket: The URL of the bucket, "s3://bucket".
        name: The object, as errors name it.

    Returns:
        InvalidValue where this object is missing, or cannot be, which is no fault of the store;
        StoreError for all else.
    """
    text = str(error)
    if any(each in text for each in NO_BUCKET):
        return StoreError(f"{bucket}: expected a bucket, received: there is none of this name")
    if isinstance(error, UnicodeEncodeError):  # of a file of this machine
        return InvalidValue(f"expected {expected}, received a name that is not UTF-8")
    if isinstance(error, FileNotFoundError):
        return InvalidValue(f"expected {expected}, received: no such object")
    if DENIED.search(text) or DENIED.match(type(error).__name__):
        variables = CREDENTIALS.get(bucket.partition(":")[0])  # of a file on the web there are none
        advice = f"; credentials are read from {variables}" if variables else ""
        return StoreError(f"{name}: expected {expected}, received: {_answer(text)}{advice}")
    return StoreError(f"{name}: expected {expected}, received: {_answer(text)}")


def _answer(text: str) -> str:
    """Return the status, the code and the message of a response, or the first line without URL."""
    found = [
        each[1].strip() for pattern in (STATUS, CODE, MESSAGE) if (each := pattern.search(text))
    ]
    if found:
        return ", ".join(dict.fromkeys(found))
    line = re.sub(r"\S+://\S+ ?", "", text.partition("\n")[0])
    return line or "no answer"
