"""What the OpenAPI document says of the routes beyond types, a module for each subject."""
