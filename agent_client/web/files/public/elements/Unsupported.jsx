// The warning below an answer that names what no tool has returned; props: names.
import { TriangleAlert } from "lucide-react"
import { useEffect } from "react"

export default function Unsupported() {
  useEffect(() => void window.dispatchEvent(new Event("resize")), []) // as in Listing
  return (
    <div className="unsupported" role="note">
      <TriangleAlert aria-hidden="true" />
      <div>
        <strong>Not from the tools:</strong> {props.names.join(", ")}. No tool has returned this in this conversation; it may
        be the model's invention.
      </div>
    </div>
  )
}
