// The warning below an answer that says of items what no tool has returned; props: names, a phrase each.
import { TriangleAlert } from "lucide-react"
import { useEffect } from "react"

export default function Unsupported() {
  useEffect(() => void window.dispatchEvent(new Event("resize")), []) // as in Listing
  return (
    <div className="unsupported" role="note">
      <TriangleAlert aria-hidden="true" />
      <div>
        <strong>The answer differs from what the tools returned:</strong> {props.names.join("; ")}.
      </div>
    </div>
  )
}
