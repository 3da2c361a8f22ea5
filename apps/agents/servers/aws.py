"""AWS Bedrock through boto3, which blocks: its clients, signed as the connection says, and its errors."""

from functools import partial
from typing import Any

from apps.agents.servers.base import Connection, Kind, ProviderError
from apps.agents.servers.wire import kind_of, retry_after

MOST = 32  # calls at once over one connection
CONNECT_SECONDS, READ_SECONDS = 5, 300
ROLE_SECONDS = 5  # for keys, without which nothing is asked
_KINDS: dict[str, Kind] = {
    "ThrottlingException": "overloaded",
    "TooManyRequestsException": "overloaded",
    "ServiceUnavailableException": "overloaded",
    "ModelNotReadyException": "overloaded",
    "InternalServerException": "unreachable",
    "ModelTimeoutException": "timeout",
    "ModelStreamErrorException": "garbled",
    "ModelErrorException": "garbled",
}


def failure(connection: Connection, error: Exception) -> ProviderError:
    """What went wrong, in words for staff."""
    if isinstance(error, ProviderError):
        return error
    from botocore import exceptions as aws

    said, name = str(error)[:300], type(error).__name__
    if isinstance(error, aws.ClientError):
        return _refusal(connection, error, said)
    if isinstance(error, aws.ReadTimeoutError):
        return connection.failure("took too long", said, kind="timeout")
    if isinstance(error, aws.ConnectionError | aws.ConnectTimeoutError):
        return connection.failure("does not answer", said, kind="unreachable")
    if isinstance(error, aws.BotoCoreError) and not isinstance(error, aws.HTTPClientError):
        # its own checks, before anything is sent
        return connection.failure("cannot be asked so", said, kind="refused", retryable=False)
    return connection.failure("broke off, or sent what cannot be read", f"{name}: {said}", kind="garbled")


def _refusal(connection: Connection, error: Any, said: str) -> ProviderError:
    """Of the service, by its code; in the midst of a stream the code begins with a small letter."""
    told = error.response
    code = str(told.get("Error", {}).get("Code", ""))
    kind = _KINDS.get(code[:1].upper() + code[1:])
    if kind is None:
        kind = kind_of(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    headers = told.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    pause = retry_after(headers.get("retry-after"))
    what = f"answered {code or 'with an error'}"
    return connection.failure(what, said, kind=kind, retryable=kind != "refused", retry_after=pause)


def client(connection: Connection, service: str = "bedrock-runtime", *, seconds: float = READ_SECONDS) -> Any:
    """Raises ProviderError where there is no key."""
    # Where it is not said how keys sign, a token of the environment, the operator's, is taken instead.
    config = _config(seconds, signature_version="v4" if connection.secrets else None)
    url = connection.url or None
    return _session(connection).client(service, endpoint_url=url, config=config)


def _config(seconds: float, **known: Any) -> Any:
    from botocore.config import Config

    return Config(
        retries={"total_max_attempts": 1},
        connect_timeout=min(CONNECT_SECONDS, seconds),
        read_timeout=seconds,
        max_pool_connections=MOST,
        ignore_configured_endpoint_urls=True,
        proxies={},
        **known,
    )


def _session(connection: Connection) -> Any:
    import boto3

    if not connection.is_shared and not connection.secret("secret_access_key"):
        raise ProviderError("There is no key for Bedrock.", kind="refused", retryable=False)
    session = boto3.Session(
        aws_access_key_id=connection.secret("access_key_id") or None,
        aws_secret_access_key=connection.secret("secret_access_key") or None,
        aws_session_token=connection.secret("session_token") or None,
        region_name=connection.region,
        profile_name=connection.profile or None,
    )
    return _as_role(session, connection) if connection.role else session


def _as_role(session: Any, connection: Connection) -> Any:
    """With keys that are taken anew whenever they run out."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    fetcher = AssumeRoleCredentialFetcher(
        partial(session._session.create_client, config=_config(ROLE_SECONDS)),
        session.get_credentials(),
        connection.role,
        extra_args={"RoleSessionName": "chat-with-us"},
    )
    inner = botocore.session.get_session()
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=inner, region_name=connection.region)
