"""The whole stack on one machine: an emulator of AWS, ECS tasks as processes, an MLflow server."""
