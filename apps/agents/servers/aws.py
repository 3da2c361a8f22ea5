"""AWS Bedrock through boto3, which blocks: its clients, signed as the connection says, and its errors."""

from typing import Any

from apps.agents.servers.base import Connection, Kind, ProviderError
from apps.agents.servers.wire import kind_of, retry_after

MOST = 32  # calls at once over one connection
CONNECT_SECONDS, READ_SECONDS = 5, 300
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

    said = connection.redacted(str(error)[:300])
    if isinstance(error, aws.ClientError):
        return _refusal(error, said)
    if isinstance(error, aws.ConnectTimeoutError | aws.ReadTimeoutError):
        return ProviderError(said, kind="timeout", retryable=True)
    if isinstance(error, aws.ConnectionError):
        return ProviderError(said, kind="unreachable", retryable=True)
    if isinstance(error, aws.BotoCoreError) and not isinstance(error, aws.HTTPClientError):
        return ProviderError(said, kind="refused", retryable=False)  # its own checks, before anything is sent
    message = f"Bedrock broke off, or sent what cannot be read ({type(error).__name__}: {said})."
    return ProviderError(message, kind="garbled", retryable=True)


def _refusal(error: Any, said: str) -> ProviderError:
    """Of the service, by its code; in the midst of a stream the code begins with a small letter."""
    told = error.response
    code = str(told.get("Error", {}).get("Code", ""))
    kind = _KINDS.get(code[:1].upper() + code[1:])
    if kind is None:
        kind = kind_of(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    headers = told.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    pause = retry_after(headers.get("retry-after"))
    return ProviderError(said, kind=kind, retryable=kind != "refused", retry_after=pause)


def client(connection: Connection, service: str = "bedrock-runtime", *, seconds: float = READ_SECONDS) -> Any:
    """Raises ProviderError where there is no key."""
    from botocore.config import Config

    config = Config(
        signature_version="v4"
        if connection.secrets
        else None,  # or a token of the environment, the operator's, would be taken
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        max_pool_connections=MOST,
        ignore_configured_endpoint_urls=True,
    )
    url = connection.url or None
    return _session(connection).client(service, endpoint_url=url, config=config)


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
        session._session.create_client,
        session.get_credentials(),
        connection.role,
        extra_args={"RoleSessionName": "chat-with-us"},
    )
    inner = botocore.session.get_session()
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=inner, region_name=connection.region)
