variable "endpoint" {
  description = "Where the local AWS listens."
  type        = string
  default     = "http://127.0.0.1:4566"
}
